// The sources are TypeScript that Node 24 runs as it is. npm brings that Node along; without its install script an older one would be
// used and fail with a riddle. Plain JavaScript, so that any Node can say so.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  process.stderr.write(
    `This needs Node 24 and runs under ${process.version}. \`npm ci\` installs it as a package: run it without --ignore-scripts, and start with npm (\`npm start\`, \`npm run demo\`).\n`,
  );
  process.exit(64);
}
