// The application's server, such as examples/express-5: requests to these paths go on to it.
const server = process.env.SERVER || 'http://127.0.0.1:3000';

export default {
  rewrites: () => ['/tasks', '/tasks/:path*', '/reports'].map((source) => ({ source, destination: server + source })),
};
