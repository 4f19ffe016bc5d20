// Runs in build containers, on the runtime's own Node: installs what the lock names with npm, and
// sends the result to the gateway.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');

const BUILD = '/opt/au2/build';
const PACKAGE = '/package';
const NPM = `${BUILD}/npm`;
const GATEWAY = { host: '127.0.0.1', port: 8077 };

const plan = JSON.parse(fs.readFileSync('/run/au2/plan.json', 'utf8'));
for (const name of ['package.json', 'package-lock.json']) {
  fs.writeFileSync(path.join(PACKAGE, name), JSON.stringify(plan[name]));
}
const done = spawnSync(
  process.execPath,
  [`${NPM}/bin/npm-cli.js`, 'ci', '--omit=dev', ...plan.options],
  { cwd: PACKAGE, stdio: ['ignore', 'inherit', 'inherit'] },
);
if (done.status !== 0) process.exit(done.status ?? 1);

fs.rmSync(path.join(PACKAGE, 'node_modules', '.package-lock.json'), { force: true });
if (!fs.existsSync(path.join(PACKAGE, 'node_modules'))) fs.mkdirSync(path.join(PACKAGE, 'node_modules'));

// npm brings a writer of archives.
const tar = require(`${NPM}/node_modules/tar`);
const request = http.request({ ...GATEWAY, method: 'PUT', path: '/tree' }, (answer) => {
  const parts = [];
  answer.on('data', (part) => parts.push(part));
  answer.on('end', () => {
    if (answer.statusCode !== 200) {
      console.error(Buffer.concat(parts).toString());
      process.exit(1);
    }
  });
});
request.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
tar.create({ cwd: '/', portable: true, noPax: false }, ['package/node_modules']).pipe(request);
