// Starts the console's page: the client for the transport that is there, then the application.
import { mount } from 'svelte';
import { BridgeClient } from './api/bridge-client.ts';
import App from './App.svelte';
import './ui/tokens.css';
import './ui/base.css';
import './ui/control.css';

const target = document.querySelector('#app');
if (target !== null && window.gatehouse !== undefined) {
  mount(App, { target, props: { client: new BridgeClient(window.gatehouse) } });
}
