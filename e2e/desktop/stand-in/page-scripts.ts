// What is put into the window's page before its own scripts: in the main world a peer that takes what the preload
// exposes, in the isolated world `require('electron')` and the preload. The two worlds share nothing but DOM events of a
// secret name, as Electron's contextBridge shares nothing but copies and proxies of functions.

export const world = 'electron-isolated';
/** Calls this process from the isolated world, and from there alone. */
export const binding = 'standInInvoke';

/** Functions and promises cross as numbers; everything else as JSON. Written as text: it runs in the page. */
const peer = String.raw`
function makePeer(secret, me, other) {
  const functions = new Map(), waiting = new Map();
  let last = 0, returned;
  const post = (message) => dispatchEvent(new CustomEvent(secret + other, { detail: JSON.stringify(message) }));
  const settle = (id, promise) => promise.then(
    (value) => post({ kind: 'settled', id, value: encode(value) }),
    (error) => post({ kind: 'settled', id, error: String(error && error.message || error) }));
  const encode = (value) => {
    if (value === undefined) return { $u: 1 };
    if (typeof value === 'function') { last += 1; functions.set(last, value); return { $f: last }; }
    if (value === null || typeof value !== 'object') return value;
    if (typeof value.then === 'function') { last += 1; settle(last, value); return { $p: last }; }
    if (Array.isArray(value)) return value.map(encode);
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, encode(each)]));
  };
  const decode = (value) => {
    if (value === null || typeof value !== 'object') return value;
    if ('$u' in value) return undefined;
    if ('$f' in value) return (...args) => call(value.$f, args);
    if ('$p' in value) return new Promise((resolve, reject) => waiting.set(value.$p, { resolve, reject }));
    if (Array.isArray(value)) return value.map(decode);
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, decode(each)]));
  };
  const call = (id, args) => {
    returned = undefined;
    post({ kind: 'call', id, args: args.map(encode) });
    const answer = returned;
    if (answer.error !== undefined) throw new Error(answer.error);
    return decode(answer.value);
  };
  const run = ({ id, args }) => {
    try { post({ kind: 'returned', value: encode(functions.get(id)(...args.map(decode))) }); }
    catch (error) { post({ kind: 'returned', error: error.message }); }
  };
  addEventListener(secret + me, ({ detail }) => {
    const message = JSON.parse(detail);
    if (message.kind === 'call') run(message);
    else if (message.kind === 'returned') returned = message;
    else {
      const { resolve, reject } = waiting.get(message.id) || {};
      waiting.delete(message.id);
      if (message.error === undefined) resolve?.(decode(message.value));
      else reject?.(new Error(message.error));
    }
  });
  return { functions, call };
}`;

/** Function 0 of the main world: defines what the preload exposes. */
export function mainWorldScript(secret: string): string {
  return String.raw`(() => {
    if (window !== window.top) return;
    ${peer}
    const freeze = (value) => (value && typeof value === 'object' ? Object.freeze(value) : value);
    makePeer('${secret}', 'main', 'isolated').functions.set(0, (name, api) => {
      Object.defineProperty(window, name, { value: freeze(api), enumerable: true });
    });
  })()`;
}

export function isolatedWorldScript(secret: string, preload: string): string {
  return String.raw`(() => {
    if (window !== window.top) return;
    ${peer}
    const peer = makePeer('${secret}', 'isolated', 'main');
    const waiting = new Map(), listeners = new Map();
    let last = 0;
    globalThis.standInSettle = (id, error, value) => {
      const { resolve, reject } = waiting.get(id);
      waiting.delete(id);
      if (error === null) resolve(value); else reject(new Error(error));
    };
    globalThis.standInDeliver = (channel, args) => {
      for (const listener of listeners.get(channel) ?? []) listener({}, ...args);
    };
    const ipcRenderer = {
      invoke: (channel, ...args) => new Promise((resolve, reject) => {
        last += 1;
        waiting.set(last, { resolve, reject });
        ${binding}(JSON.stringify({ id: last, channel, args }));
      }),
      on: (channel, listener) => listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
    };
    const contextBridge = { exposeInMainWorld: (name, api) => peer.call(0, [name, api]) };
    const require = (name) => {
      if (name === 'electron') return { contextBridge, ipcRenderer };
      throw new Error('A sandboxed preload has no module ' + name);
    };
    const process = { sandboxed: true, contextIsolated: true };
    (function (require, process, exports, module) {${preload}
    })(require, process, {}, {});
  })()`;
}
