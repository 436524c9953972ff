import 'inloop/element';

document.querySelector('button').onclick = () => fetch('/reports', { method: 'POST' });
