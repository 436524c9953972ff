// An app with helmet, sessions, a JSON parser, and CSRF tokens for every route. One route is slow.
const express = require('express');
const session = require('express-session');
const helmet = require('helmet');
const { csrf, newToken } = require('./csrf.js');
const { addInvoice } = require('./invoices.js');

const app = express();
app.use(helmet());
app.use(session({ secret: process.env.SESSION_SECRET || 'only here', resave: false, saveUninitialized: false }));
app.use(express.json());
app.use(express.static('public'));
app.use(csrf);

app.get('/token', (req, res) => {
  req.session.token ??= newToken();
  res.json({ token: req.session.token });
});
app.post('/login', (req, res) => {
  req.session.user = req.body.user; // Here the app checks a password.
  res.sendStatus(204);
});
app.post('/invoices', async (req, res, next) => {
  if (!req.session.user) return res.sendStatus(401);
  try {
    for (let n = 1; n <= req.body.count; n++) await addInvoice(n);
    res.json({ added: req.body.count });
  } catch (error) {
    next(error);
  }
});
app.listen(process.env.PORT || 3000);
