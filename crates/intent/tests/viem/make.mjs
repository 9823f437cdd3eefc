// Writes intents.json: intents drawn from a seed, with the digests, signatures and bytes that viem gives and ethers agrees with.
// `npm install --ignore-scripts && node make.mjs`; the same versions write the same file.
import { writeFileSync } from "node:fs";
import { hashMessage as ethersMessage, Transaction, TypedDataEncoder } from "ethers";
import { hashMessage, hashTypedData, keccak256, serializeTransaction } from "viem";
import { privateKeyToAccount } from "viem/accounts";

const account = privateKeyToAccount("0x4646464646464646464646464646464646464646464646464646464646464646");

// Mulberry32.
let state = 20261122;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (end) => Math.floor(random() * end);
const hex = (bytes) => "0x" + Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, "0")).join("");
const bits = (count) => (count === 0 ? 0n : BigInt(hex(Math.ceil(count / 8))) >> BigInt((8 - (count % 8)) % 8));
const some = (make, most) => Array.from({ length: below(most + 1) }, make);
const same = (one, other) => {
  if (one !== other) throw new Error(`${one} is not ${other}`);
  return one;
};

async function transaction() {
  const type = ["legacy", "eip2930", "eip1559"][below(3)];
  const to = below(6) === 0 ? undefined : hex(20);
  const data = to === undefined ? hex(1 + below(40)) : hex(below(80));
  const price = bits(below(40));
  const tx = { type, chainId: 1 + below(2 ** 31), nonce: below(1000), gas: bits(below(25)), value: bits(below(97)), data, to };
  if (type === "eip1559") {
    tx.maxFeePerGas = price;
    tx.maxPriorityFeePerGas = price / BigInt(1 + below(9));
  } else tx.gasPrice = price;
  if (type !== "legacy") tx.accessList = some(() => ({ address: hex(20), storageKeys: some(() => hex(32), 2) }), 2);
  const unsigned = serializeTransaction(tx);
  const signed = await account.signTransaction(tx);
  const theirs = Transaction.from(signed);
  return {
    kind: "transaction",
    chain: tx.chainId,
    unsigned: same(unsigned, theirs.unsignedSerialized),
    digest: same(keccak256(unsigned), theirs.unsignedHash),
    signature: theirs.signature.serialized,
    signed,
    hash: same(keccak256(signed), theirs.hash),
  };
}

async function text() {
  const words = ["sign", "in", "ærlig", "日本", "📱", "0x00", "\n", "\t", "to", "Bob"];
  let message = Array.from({ length: below(20) }, () => words[below(words.length)]).join(" ");
  if (new TextEncoder().encode(message).length === 32) message += "!";
  const digest = same(hashMessage(message), ethersMessage(message));
  return { kind: "text", text: message, digest, signature: await account.signMessage({ message }) };
}

const atoms = [
  () => ["bool", below(2) === 1],
  () => ["string", ["", "Hello, Bob!", "日本 📱", "a\"b\\c\n"][below(4)]],
  () => ["bytes", hex(below(40))],
  () => ["address", hex(20)],
  () => { const size = 1 + below(32); return [`bytes${size}`, hex(size)]; },
  () => { const size = 8 * (1 + below(32)); return [`uint${size}`, bits(below(size + 1))]; },
  () => {
    const size = 8 * (1 + below(32));
    const number = bits(below(size));
    return [`int${size}`, below(2) === 0 ? number : -number];
  },
];

function members(types, name, depth) {
  const message = {};
  types[name] = [];
  for (let place = 0, count = 1 + below(4); place < count; place++) {
    let [type, value] = atoms[below(atoms.length)]();
    if (depth < 2 && below(4) === 0) {
      type = `${name}${place}`;
      value = members(types, type, depth + 1);
    }
    for (let level = below(4) === 0 ? 2 : below(2); level > 0; level--) {
      const length = below(3);
      type += length === 0 ? "[]" : `[${length}]`;
      value = Array.from({ length: length === 0 ? below(3) : length }, () => value);
    }
    types[name].push({ name: `m${place}`, type });
    message[`m${place}`] = value;
  }
  return message;
}

async function typed() {
  const parts = [
    ["name", "string", "Mail"],
    ["version", "string", "1"],
    ["chainId", "uint256", 1 + below(2 ** 31)],
    ["verifyingContract", "address", hex(20)],
    ["salt", "bytes32", hex(32)],
  ].filter(([name]) => name === "chainId" || below(2) === 0);
  const domain = Object.fromEntries(parts.map(([name, , value]) => [name, value]));
  const types = {};
  const message = members(types, "Mail", 0);
  const digest = same(
    hashTypedData({ domain, types, primaryType: "Mail", message }),
    TypedDataEncoder.hash(domain, types, message),
  );
  const signature = await account.signTypedData({ domain, types, primaryType: "Mail", message });
  types.EIP712Domain = parts.map(([name, type]) => ({ name, type }));
  return { kind: "typed", chain: domain.chainId, data: { types, primaryType: "Mail", domain, message }, digest, signature };
}

const intents = [];
for (let place = 0; place < 100; place++) intents.push(await transaction());
for (let place = 0; place < 50; place++) intents.push(await text());
for (let place = 0; place < 150; place++) intents.push(await typed());
const plain = (_, value) => (typeof value === "bigint" ? value.toString() : value);
const lines = intents.map((intent) => JSON.stringify(intent, plain));
writeFileSync(new URL("intents.json", import.meta.url), `[\n${lines.join(",\n")}\n]\n`);
