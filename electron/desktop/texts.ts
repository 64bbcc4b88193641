// What the main process says itself: tray, menus, notifications, in English and German. The page has messages of its own.
import type { ErrorCode } from '../../shared/contracts/errors.ts';

const english = {
  open: 'Open Gatehouse',
  retry: 'Reconnect now',
  lock: 'Lock the console',
  openAtLogin: 'Open at login',
  quit: 'Quit Gatehouse',
  edit: 'Edit',
  view: 'View',
  window: 'Window',
  zoomIn: 'Zoom in',
  zoomOut: 'Zoom out',
  actualSize: 'Actual size',
  fullScreen: 'Full screen',
  closeWindow: 'Close window',
  undo: 'Undo',
  redo: 'Redo',
  cut: 'Cut',
  copy: 'Copy',
  paste: 'Paste',
  selectAll: 'Select all',
  state: {
    first_run: 'Not set up yet',
    locked: 'Locked: the service does not run',
    starting: 'Starting …',
    failed: 'Could not start',
    online: 'Online',
    connecting: 'Connecting to the relay …',
    offline: 'Offline: the relay cannot be reached',
  },
  notice: {
    token_rejected: 'Access token rejected',
    fingerprint_complaint: 'A client complains about the fingerprint',
  },
  noticeFrom: (client: string, code: ErrorCode) => `${client} (the relay's word): ${code}`,
  quitting: 'Gatehouse lets its sessions finish …',
  vaultBasicText:
    'No key store of the operating system is running (such as GNOME Keyring or KWallet), so the password cannot be kept safely.',
  vaultUnavailable:
    'The key store of the operating system is not available, so the password cannot be kept safely.',
};

export type Texts = typeof english;

const german: Texts = {
  open: 'Gatehouse öffnen',
  retry: 'Jetzt neu verbinden',
  lock: 'Konsole sperren',
  openAtLogin: 'Beim Anmelden öffnen',
  quit: 'Gatehouse beenden',
  edit: 'Bearbeiten',
  view: 'Ansicht',
  window: 'Fenster',
  zoomIn: 'Vergrößern',
  zoomOut: 'Verkleinern',
  actualSize: 'Originalgröße',
  fullScreen: 'Vollbild',
  closeWindow: 'Fenster schließen',
  undo: 'Rückgängig',
  redo: 'Wiederholen',
  cut: 'Ausschneiden',
  copy: 'Kopieren',
  paste: 'Einfügen',
  selectAll: 'Alles auswählen',
  state: {
    first_run: 'Noch nicht eingerichtet',
    locked: 'Gesperrt: der Dienst läuft nicht',
    starting: 'Startet …',
    failed: 'Konnte nicht starten',
    online: 'Online',
    connecting: 'Verbindet sich mit dem Relay …',
    offline: 'Offline: das Relay ist nicht erreichbar',
  },
  notice: {
    token_rejected: 'Zugriffstoken abgelehnt',
    fingerprint_complaint: 'Ein Client beanstandet den Fingerabdruck',
  },
  noticeFrom: (client, code) => `${client} (laut Relay): ${code}`,
  quitting: 'Gatehouse lässt seine Sitzungen zu Ende gehen …',
  vaultBasicText:
    'Es läuft kein Schlüsselspeicher des Betriebssystems (etwa GNOME Keyring oder KWallet); das Passwort kann nicht sicher aufbewahrt werden.',
  vaultUnavailable:
    'Der Schlüsselspeicher des Betriebssystems ist nicht verfügbar; das Passwort kann nicht sicher aufbewahrt werden.',
};

/** `locale`: as Electron gives it, such as `de` or `en-GB`. */
export function textsFor(locale: string): Texts {
  return /^de\b/.test(locale) ? german : english;
}
