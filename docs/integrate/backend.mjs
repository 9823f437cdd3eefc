// Asks a Twofold server as the backend of an app, without any library: Node 20 or newer.
//
//   node backend.mjs new shop.pem                           makes a key, and prints what the server's configuration wants
//   node backend.mjs shop.pem https://SERVER METHOD JSON    asks, and prints the answer
//
// docs/api.md says how a request is signed, and proto/twofold/v1/cosigner.proto what can be asked.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** The key as the configuration and the signature's `keyid` spell it. */
function spelled(key) {
  const der = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return `ed25519:${der.subarray(-32).toString('hex')}`;
}

/** Asks `method` with `request`, which is protobuf JSON: bytes are base64, numbers of 64 bits are strings. */
export async function ask(key, server, method, request) {
  const target = `${server}/twofold.v1.CosignerService/${method}`;
  const body = JSON.stringify(request);
  const covered = {
    '@method': 'POST',
    '@target-uri': target,
    'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    'content-type': 'application/json',
    'twofold-protocol': '1;sdk="my-backend/1.0.0"',
    'twofold-wallet': request.wallet ? Buffer.from(request.wallet, 'base64').toString('hex') : 'none',
  };
  const names = Object.keys(covered);
  const now = Math.floor(Date.now() / 1000);
  const parameters = `(${names.map((name) => `"${name}"`).join(' ')});created=${now};expires=${now + 30}`
    + `;nonce="${randomBytes(16).toString('base64url')}";keyid="${spelled(key)}";alg="ed25519";tag="twofold"`;
  const lines = names.map((name) => `"${name}": ${covered[name]}`);
  const base = [...lines, `"@signature-params": ${parameters}`].join('\n');
  const headers = {
    'signature-input': `twofold=${parameters}`,
    signature: `twofold=:${sign(null, Buffer.from(base), key).toString('base64')}:`,
  };
  for (const name of names.filter((name) => !name.startsWith('@'))) headers[name] = covered[name];
  const answer = await fetch(target, { method: 'POST', headers, body });
  const told = await answer.json();
  if (!answer.ok) throw new Error(`${told.code}: ${told.message}`);
  return told;
}

/** The same for a list that comes a page at a time, as FindWallets does: all of it. */
export async function askAll(key, server, method, request) {
  const all = await ask(key, server, method, request);
  // Where another page may follow, the answer says what to go on after. A page can be empty and not the last one.
  while (all.after) {
    const { wallets = [], after } = await ask(key, server, method, { ...request, after: all.after });
    all.wallets = [...(all.wallets ?? []), ...wallets];
    all.after = after;
  }
  delete all.after;
  return all;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [first, ...rest] = process.argv.slice(2);
  if (first === 'new') {
    const { privateKey } = generateKeyPairSync('ed25519');
    // A new file that nobody else reads.
    writeFileSync(rest[0], privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
    console.log(`key = "${spelled(privateKey)}"`);
  } else {
    const [server, method, json] = rest;
    const told = await askAll(createPrivateKey(readFileSync(first)), server, method, JSON.parse(json));
    console.log(JSON.stringify(told));
  }
}
