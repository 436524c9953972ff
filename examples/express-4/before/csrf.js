const { randomUUID } = require('node:crypto');

exports.newToken = () => randomUUID();

/** Lets a request change something only if it sends the token of its session. */
exports.csrf = (req, res, next) => {
  const { token } = req.session;
  const isSafe = ['GET', 'HEAD'].includes(req.method) || (token && req.get('X-CSRF-Token') === token);
  if (isSafe) next();
  else res.status(403).json({ error: 'CSRF token missing' });
};
