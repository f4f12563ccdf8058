/**
 * Runs a module as a child of the demo: `guarded.ts <module> [arguments]`. When the demo itself is killed, the
 * channel to it breaks; the child then gets the SIGTERM that nobody else would send, and drains.
 */
import { enableCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';

enableCompileCache();
const [, , module = '', ...args] = process.argv;
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.argv = [process.execPath, module, ...args];
await import(pathToFileURL(module).href);
