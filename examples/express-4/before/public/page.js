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
  document.querySelector('button').disabled = false;
}

document.querySelector('button').onclick = async () => {
  const output = document.querySelector('output');
  output.textContent = 'Please wait…';
  const { added } = await (await post('/invoices', { count: 30 })).json();
  output.textContent = `${added} invoices made`;
};
start();
