// The key of a first run, which the printed address carries in its fragment (`#setup=…`). It leaves the address bar and
// the history's entry before anything else happens. Must never be stored or sent anywhere but in `console.setup`.
const prefix = '#setup=';

/** Takes the key out of the page's address; null where it has none. */
export function takeSetupKey(page: Window): string | null {
  const { hash, pathname, search } = page.location;
  if (!hash.startsWith(prefix)) return null;
  page.history.replaceState(null, '', `${pathname}${search}`);
  const key = decode(hash.slice(prefix.length));
  return key === '' ? null : key;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
