// An OpenID Connect provider on loopback, and a browser's part of a sign-in played beside it. Prints its issuer, then
// answers each line of standard input with a line:
//
//   id SUBJECT ALGORITHM      an ID token of that person's, by the authorization code flow
//   access ALGORITHM          an access token (RFC 9068) for the API https://wallet.test
//   rotate                    other keys from now on
//
// The folder that ./dev installed the module into is the one argument.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Its advice for production would stand between the answers.
console.info = () => {};
console.warn = () => {};

const require = createRequire(`${process.argv[2]}/package.json`);
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const API = 'https://wallet.test';
const CLIENT = 'the-app';
const SECRET = randomBytes(32).toString('hex');

function keys() {
  const made = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EdDSA', generateKeyPairSync('ed25519')],
  ];
  return {
    keys: made.map(([alg, pair]) => ({
      ...pair.privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomBytes(8).toString('hex'),
    })),
  };
}

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

function provider() {
  const algorithms = ['RS256', 'ES256', 'EdDSA'];
  return new Provider(issuer, {
    jwks: keys(),
    cookies: { keys: [randomBytes(32).toString('hex')] },
    clients: algorithms.map((alg) => ({
      client_id: `${CLIENT}-${alg}`,
      client_secret: SECRET,
      redirect_uris: ['https://app.test/back'],
      grant_types: ['authorization_code', 'client_credentials'],
      response_types: ['code'],
      id_token_signed_response_alg: alg,
    })),
    enabledJWA: { idTokenSigningAlgValues: algorithms },
    claims: { openid: ['sub', 'email', 'email_verified', 'amr', 'auth_time'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: false }),
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_, __, client) => ({
          scope: '', audience: API, accessTokenFormat: 'jwt', jwt: { sign: { alg: client.clientId.slice(CLIENT.length + 1) } },
        }),
      },
    },
    interactions: { url: (_, interaction) => `/play/${interaction.uid}` },
    pkce: { required: () => false },
  });
}

let current = provider();
let person = '';

// The page where a person would sign in and consent.
async function play(request, response) {
  const { prompt, params } = await current.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return current.interactionFinished(request, response, { login: { accountId: person, amr: ['pwd', 'otp'] } });
  }
  const grant = new current.Grant({ accountId: person, clientId: params.client_id });
  grant.addOIDCScope('openid email');
  return current.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

server.on('request', (request, response) => {
  const answered = request.url.startsWith('/play/') ? play(request, response) : current.callback()(request, response);
  Promise.resolve(answered).catch((fault) => {
    process.stderr.write(`${fault.stack}\n`);
    response.statusCode = 500;
    response.end();
  });
});

async function token(client, grant) {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client}:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams(grant),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function id(subject, algorithm) {
  person = subject;
  const client = `${CLIENT}-${algorithm}`;
  const query = new URLSearchParams({
    client_id: client, response_type: 'code', scope: 'openid email', redirect_uri: 'https://app.test/back',
    state: 's', nonce: 'n',
  });
  const jar = new Map();
  let at = `${issuer}/auth?${query}`;
  for (let step = 0; step < 10; step += 1) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(at, { redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const cut = pair.indexOf('=');
      jar.set(pair.slice(0, cut), pair.slice(cut + 1));
    }
    if (!answer.headers.has('location')) throw new Error(await answer.text());
    at = new URL(answer.headers.get('location'), at).href;
    if (at.startsWith('https://app.test/back')) break;
  }
  const code = new URL(at).searchParams.get('code');
  const tokens = await token(client, {
    grant_type: 'authorization_code', code, redirect_uri: 'https://app.test/back',
  });
  return tokens.id_token;
}

async function access(algorithm) {
  const tokens = await token(`${CLIENT}-${algorithm}`, { grant_type: 'client_credentials', resource: API });
  return tokens.access_token;
}

console.log(issuer);
for await (const line of createInterface({ input: process.stdin })) {
  const [word, ...rest] = line.trim().split(' ');
  if (word === 'id') console.log(await id(...rest));
  else if (word === 'access') console.log(await access(...rest));
  else if (word === 'rotate') {
    current = provider();
    console.log('rotated');
  }
}
process.exit(0);
