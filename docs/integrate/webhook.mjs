// What an app with sessions of its own answers when a Twofold server asks whose a token is. Node 20 or newer, no library.
//
//   TWOFOLD_SECRET=$(cat /etc/twofold/app-secret) node webhook.mjs 8080
//
// In your app it is one more route, behind your TLS.

import { timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

// Your own sessions: how you know people by what their device has.
const sessions = new Map([['the-session-of-alice', { user: 'alice' }]]);

const secret = Buffer.from(`Bearer ${process.env.TWOFOLD_SECRET}`);

/** Whether it is the Twofold server that asks. */
function known(header = '') {
  const told = Buffer.from(header);
  return told.length === secret.length && timingSafeEqual(told, secret);
}

async function answer(request) {
  // Anything but 200, 400, 401 and 404 says that this side is in trouble, and turns nobody away.
  if (request.method !== 'POST' || !known(request.headers.authorization)) return [500, {}];
  let body = '';
  for await (const piece of request) body += piece;
  const session = sessions.get(JSON.parse(body).token);
  return session ? [200, { user_id: session.user }] : [401, {}];
}

const server = createServer((request, response) => {
  answer(request)
    .catch(() => [400, {}])
    .then(([status, told]) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(told));
    });
});
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
