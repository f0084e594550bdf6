import { mount } from 'svelte';
import App from './App.svelte';
import { chooseHost } from './host/choose';
import './styles/tokens.css';
import './styles/base.css';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has no element "app"');
mount(App, { target, props: { host: await chooseHost(window) } });
