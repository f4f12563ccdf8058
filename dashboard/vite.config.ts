import { type BuildEnvironmentOptions, defineConfig } from 'vite';

/** The API of a demo or a worker, for `npm run dev` in this folder. */
const API = process.env.SIGNALBOX_API ?? 'http://127.0.0.1:7070';

type OnWarn = NonNullable<NonNullable<BuildEnvironmentOptions['rolldownOptions']>['onwarn']>;

/** A directive of the libraries for servers: it means nothing in a browser. */
const quiet: OnWarn = (warning, warn) => {
  if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
};

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic' } },
  // A policy without inline scripts and styles: nothing is put into the document itself.
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    rolldownOptions: { onwarn: quiet },
  },
  server: { proxy: { '/v1': API } },
});
