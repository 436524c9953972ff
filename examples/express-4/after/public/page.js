let token = '';

const post = (url, body) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token },
    body: JSON.stringify(body),
  });

async function start() {
  ({ token } = await (await fetch('/token')).json());
  await post('/login', { user: 'ada' });
  document.querySelector('inloop-tray').setAttribute('url', '/tasks');
  document.querySelector('button').disabled = false;
}

document.querySelector('button').onclick = () => post('/invoices', { count: 30 });
start();
