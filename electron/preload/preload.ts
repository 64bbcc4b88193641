// The one bridge between the page and the service on the desktop: exactly the ConsoleBridge of the contract, and
// nothing else of Electron. It refuses to work where the page is not isolated from it and sandboxed.
import { contextBridge, ipcRenderer } from 'electron';
import { desktopChannels } from '../../shared/contracts/console/desktop-messages.ts';
import type { DesktopMessage } from '../../shared/contracts/console/desktop-messages.ts';
import type { CallName } from '../../shared/contracts/console/calls.ts';
import type { CallAnswer, ConsoleBridge, TopicMessage } from '../../shared/contracts/console/transport.ts';

if (!process.sandboxed || !process.contextIsolated) {
  throw new Error('Gatehouse shows its console in a sandboxed, isolated page only.');
}

const listeners = new Set<(message: TopicMessage) => void>();

function send(message: DesktopMessage): Promise<unknown> {
  return ipcRenderer.invoke(desktopChannels.entry, message);
}

/** For what has no answer: a refusal is on record in the main process. */
function tell(message: DesktopMessage): void {
  send(message).catch(() => {});
}

ipcRenderer.on(desktopChannels.topics, (_event, messages: readonly TopicMessage[]) => {
  for (const message of messages) for (const listener of listeners) listener(message);
  tell({ kind: 'taken' });
});

const bridge: ConsoleBridge = {
  call: (id, name, args) => send({ kind: 'call', id, name, args }) as Promise<CallAnswer<CallName>>,
  cancel: (id) => tell({ kind: 'cancel', id }),
  subscribe: (topics) => tell({ kind: 'subscribe', topics }),
  onTopic: (listener) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};

contextBridge.exposeInMainWorld('gatehouse', bridge);
