// The module `electron` as the built main process imports it. See register.ts for what it does not cover.
import { listenForTest } from './control.ts';
import { ipcHandlers, protocolHandlers } from './registry.ts';

export { app } from './app.ts';
export { BrowserWindow } from './window.ts';
export * from './desktop-parts.ts';
export { utilityProcess } from './utility-process.ts';

export const ipcMain = ipcHandlers;
export const protocol = {
  registerSchemesAsPrivileged: (schemes: unknown) => void (protocolHandlers.privileged = schemes),
  handle: protocolHandlers.handle.bind(protocolHandlers),
};

listenForTest();
