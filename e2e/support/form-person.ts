// A person who signs in at the trial's provider without a browser: follows redirects, keeps cookies, fills in its forms.
// For specs and benches that have no page to look at.

const maxSteps = 20;

/** Opens `url` and does what is asked there as `user`, until the browser would be back where it was sent from. */
export async function signInByForms(url: string, user: string): Promise<void> {
  const jar = new Map<string, Map<string, string>>();
  let next: { url: string; form: URLSearchParams | null } | null = { url, form: null };
  for (let step = 0; next !== null && step < maxSteps; step += 1) {
    const { response, at } = await ask(next.url, next.form, jar);
    const location = response.headers.get('location');
    next =
      location === null
        ? formOf(await response.text(), at, user)
        : { url: new URL(location, at).href, form: null };
  }
}

async function ask(
  url: string,
  form: URLSearchParams | null,
  jar: Map<string, Map<string, string>>,
): Promise<{ response: Response; at: string }> {
  const { host } = new URL(url);
  const cookies = jar.get(host) ?? new Map<string, string>();
  jar.set(host, cookies);
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const post = form === null ? {} : { method: 'POST', body: form };
  const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...post });
  for (const set of response.headers.getSetCookie()) {
    const [name = '', value = ''] = (set.split(';', 1)[0] ?? '').split('=');
    if (value === '') cookies.delete(name);
    else cookies.set(name, value);
  }
  return { response, at: url };
}

/** The page's form, filled in; null where it has none. */
function formOf(page: string, at: string, user: string): { url: string; form: URLSearchParams } | null {
  const action = /<form[^>]*action="([^"]+)"/.exec(page)?.[1];
  if (action === undefined) return null;
  const form = new URLSearchParams();
  for (const [input] of page.matchAll(/<input[^>]*>/g)) {
    const name = /name="([^"]+)"/.exec(input)?.[1];
    if (name !== undefined) form.set(name, /value="([^"]*)"/.exec(input)?.[1] ?? user);
  }
  return { url: new URL(action.replaceAll('&amp;', '&'), at).href, form };
}
