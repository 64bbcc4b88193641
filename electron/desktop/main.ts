// Starts the desktop app: what Electron wants before it is ready, one instance, and what ends it.
// Everything else is desktop-app.ts.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { app, dialog, protocol } from 'electron';
import { destination, pino } from 'pino';
import { collectBuffersEarly } from '../core/buffers.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import { scheme } from './address.ts';
import { DesktopApp } from './desktop-app.ts';
import { Quitting } from './quitting.ts';

/** `--data=FOLDER` names the service's data folder. */
const dataSwitch = 'data';

collectBuffersEarly();
app.enableSandbox();
app.setAppUserModelId('org.gatehouse.desktop');
protocol.registerSchemesAsPrivileged([
  {
    scheme,
    privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true },
  },
]);

function dataFolder(): string {
  const named = app.commandLine.getSwitchValue(dataSwitch);
  if (named !== '') return resolve(named);
  return join(process.env.GATEHOUSE_HOME ?? join(homedir(), '.gatehouse'), 'service');
}

async function run(): Promise<void> {
  const logger = pino({ level: 'warn', base: null }, destination({ fd: 2, sync: true }));
  const quitting = new Quitting();
  app.on('before-quit', (event) => quitting.onBeforeQuit(event));
  await app.whenReady();
  try {
    const desktop = await DesktopApp.open(dataFolder(), logger);
    app.on('second-instance', () => desktop.show());
    app.on('activate', () => desktop.show());
    quitting.opened(desktop);
    await desktop.begin();
  } catch (error) {
    const { code, message } = asGatehouseError(error);
    logger.error({ code }, message);
    dialog.showErrorBox('Gatehouse', message);
    app.exit(1);
  }
}

if (app.requestSingleInstanceLock()) void run();
else app.quit();
