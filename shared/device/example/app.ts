// The page: configuration, signing in, the device, and then documents. One step is on the page at a time; each decides
// what comes next. Nothing here is cryptography: that is ../index.ts, as any app would use it.
import { GatehouseError } from '../../contracts/errors.ts';
import { Device, KeyStore, type DeviceKey, type Session } from '../index.ts';
import { configFields, isComplete, keepConfig, loadConfig, type AppConfig } from './config.ts';
import { DeviceView, factList, prints } from './device-view.ts';
import { DocumentsView } from './documents-view.ts';
import { announce, button, byId, fill, h } from './dom.ts';
import { SessionStrip } from './session-strip.ts';
import { comeBack, goToIssuer, type SignedIn } from './sign-in.ts';

const fieldNames: Readonly<Record<(typeof configFields)[number], string>> = {
  relay: 'Relay',
  serviceId: 'Service id',
  issuer: 'OpenID Connect issuer',
  clientId: 'Client id of this app',
};

function show(...elements: readonly (HTMLElement | null)[]): void {
  fill(byId('main'), ...elements);
}

function problem(error: unknown): HTMLElement {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof GatehouseError ? error.code : 'internal';
  return h('p', { class: 'problem', role: 'alert', 'data-code': code }, text);
}

async function start(): Promise<void> {
  const config = await loadConfig();
  if (!isComplete(config)) {
    askForConfig(config);
    return;
  }
  try {
    const signedIn = await comeBack(config);
    if (signedIn === null) offerSignIn(config, null);
    else await openDevice(config, signedIn);
  } catch (error) {
    offerSignIn(config, problem(error));
  }
}

function askForConfig(known: Partial<AppConfig>): void {
  const inputs = configFields.map(
    (name) => [name, h('input', { id: name, value: known[name] ?? '' })] as const,
  );
  const go = (): void => {
    const config = Object.fromEntries(inputs.map(([name, input]) => [name, input.value.trim()]));
    if (!isComplete(config)) return;
    keepConfig(config);
    void start();
  };
  show(
    h(
      'section',
      { class: 'card' },
      h('h2', {}, 'Where is your service?'),
      h(
        'div',
        { class: 'column' },
        ...inputs.map(([name, input]) => h('label', { for: name }, fieldNames[name], input)),
      ),
      button('Continue', go, { class: 'main' }),
    ),
  );
}

function offerSignIn(config: AppConfig, trouble: HTMLElement | null): void {
  byId('account').replaceChildren();
  const go = button(
    'Sign in',
    async () => {
      go.disabled = true;
      await goToIssuer(config).catch((error: unknown) => offerSignIn(config, problem(error)));
    },
    { class: 'main' },
  );
  show(
    h(
      'section',
      { class: 'card' },
      h('h2', {}, 'Sign in'),
      h(
        'p',
        {},
        'You sign in at your organisation’s issuer. What you read afterwards is encrypted between this browser and the service on your premises: the relay in between passes on bytes that it cannot read.',
      ),
      factList([
        ['Issuer', config.issuer],
        ['Relay', config.relay],
        ['Service', config.serviceId],
      ]),
      trouble,
      h(
        'div',
        { class: 'actions' },
        go,
        button('Another service', () => askForConfig(config), { class: 'quiet' }),
      ),
    ),
  );
}

async function openDevice(config: AppConfig, signedIn: SignedIn): Promise<void> {
  const { relay, serviceId } = config;
  const signOut = button('Sign out', () => location.reload(), { class: 'quiet' });
  byId('account').replaceChildren(h('span', { class: 'soft' }, signedIn.subject), signOut);
  const keys = new KeyStore('example-app');
  await keys.prepare();
  const view = new DeviceView({
    config,
    subject: signedIn.subject,
    device: new Device(signedIn, { relay, serviceId }),
    keys,
    keyName: `${serviceId} ${config.issuer} ${signedIn.subject}`,
    onSession: (session, key) => {
      view.close();
      openDocuments(config, signedIn, session, key);
    },
  });
  show(view.element);
  await view.open();
}

function openDocuments(config: AppConfig, signedIn: SignedIn, session: Session, key: DeviceKey): void {
  const { relay, serviceId } = config;
  const strip = new SessionStrip(session);
  const documents = new DocumentsView({
    device: new Device(signedIn, { relay, serviceId }),
    session,
    strip,
    onFailed: (error) => {
      strip.close();
      session.close();
      show(ended(config, error));
    },
  });
  show(strip.element, documents.element, trustCard(key));
  announce('The session is established.');
  void documents.open();
}

function trustCard(key: DeviceKey): HTMLElement {
  const { issuer, subject } = key;
  return h(
    'details',
    { class: 'card' },
    h('summary', {}, h('h2', {}, 'Whom this browser trusts')),
    factList([
      ['Signed in as', subject],
      ['at', issuer],
    ]),
    prints(key),
  );
}

function ended(config: AppConfig, error: unknown): HTMLElement {
  return h(
    'section',
    { class: 'card' },
    h('h2', {}, 'The session is over'),
    problem(error),
    button(
      'Sign in again',
      () => goToIssuer(config).catch((failure: unknown) => offerSignIn(config, problem(failure))),
      { class: 'main' },
    ),
  );
}

start().catch((error: unknown) =>
  show(h('section', { class: 'card' }, h('h2', {}, 'This page cannot run'), problem(error))),
);
