// Starts the console's page: the client for the transport that is there, then the application.
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.querySelector('#app');
if (target !== null) mount(App, { target });
