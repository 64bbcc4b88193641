// A browser as far as it takes to sign in at the trial's OpenID Connect provider: cookies, redirects and its two forms.
// Must never be used outside tests: it types any name and believes every page.

export class IssuerVisitor {
  readonly #issuer: string;
  readonly #cookies = new Map<string, string>();

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /**
   * Opens `url` at the issuer, signs in as `name`, and goes on until the issuer sends it elsewhere, or shows a page
   * without a form: that URL, or that page.
   */
  async signIn(url: string, name: string): Promise<URL | string> {
    let response = await this.#get(url);
    for (let step = 0; step < 20; step += 1) {
      const location = response.headers.get('location');
      const next = location === null ? null : new URL(location, this.#issuer);
      if (next !== null && next.origin !== this.#issuer) return next;
      if (next !== null) {
        response = await this.#get(next.href);
        continue;
      }
      const page = await response.text();
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
      if (action === undefined) return page;
      response = await this.#get(new URL(action, this.#issuer).href, {
        ...hiddenFields(page),
        login: name,
        password: 'x',
      });
    }
    throw new Error('The sign-in does not end.');
  }

  async #get(url: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const body = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) };
    const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...body });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return response;
  }
}

function hiddenFields(page: string): Record<string, string> {
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name, value]));
}
