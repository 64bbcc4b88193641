// `node --import …/register.ts out/desktop.mjs`: from here on the module `electron` is the stand-in beside this file.
//
// The stand-in is test code. It runs the built main process in plain Node, with its window a real Chromium driven over
// CDP and the built preload in an isolated world of it. What it does NOT cover, and only a real Electron shows:
// - Electron itself: BoringSSL instead of OpenSSL, its Node and V8, fuses, asar, its sandbox, its process model;
// - custom schemes: `app://` stands at https://app.gatehouse.test, so what a scheme may do is not shown;
// - the desktop: trays, menus, notifications, key stores, displays and login items are recorded here, not drawn;
// - permissions: the app's handlers are asked by the test, not by Chromium;
// - web preferences: they are read back as they were given;
// - what crosses IPC is JSON here, and structured clones there; exports are read whole before they are answered.
import { registerHooks } from 'node:module';

const standIn = new URL('./electron.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
});
