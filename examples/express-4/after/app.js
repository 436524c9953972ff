// An app with helmet, sessions, a JSON parser, and CSRF tokens for every route. One route is slow.
const express = require('express');
const session = require('express-session');
const helmet = require('helmet');
const { csrf, newToken } = require('./csrf.js');
const { createTaskServer } = require('inloop/server');
const { backend, bus, makeInvoices } = require('./tasks.js');

const app = express();
app.use(helmet({ contentSecurityPolicy: { directives: { connectSrc: ["'self'", ...bus] } } }));
app.use(session({ secret: process.env.SESSION_SECRET || 'only here', resave: false, saveUninitialized: false }));
app.use(express.json());
app.use(express.static('public'));
const identify = (req) => req.session.user ?? null;
const tasks = createTaskServer({ backend, tasks: [makeInvoices], identify });
app.use('/tasks', tasks.router); // after the session, before the CSRF middleware: it has a rule of its own
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
    tasks.accepted(res, await tasks.start(makeInvoices, req.body, { owner: req.session.user }));
  } catch (error) {
    next(error);
  }
});
app.listen(process.env.PORT || 3000);
