// Starts the console's page: the client for the transport that is there, then the application.
import { mount } from 'svelte';
import { BridgeClient } from './api/bridge-client.ts';
import type { ConsoleClient } from './api/client.ts';
import { HttpClient } from './api/http-client.ts';
import App from './App.svelte';
import { takeSetupKey } from './state/setup-key.ts';
import './ui/tokens.css';
import './ui/base.css';
import './ui/control.css';

function clientHere(): ConsoleClient {
  if (window.gatehouse !== undefined) return new BridgeClient(window.gatehouse);
  const client = new HttpClient();
  // The machine woke up or has its network again: there is no reason to wait.
  window.addEventListener('online', () => client.retryNow());
  return client;
}

const setupKey = takeSetupKey(window);
const target = document.querySelector('#app');
if (target !== null) mount(App, { target, props: { client: clientHere(), setupKey } });
