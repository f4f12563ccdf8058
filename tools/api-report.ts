/**
 * The public API of the package as text, one file an entry in etc/api: what a user's compiler sees. A change of
 * it is a change of the version (docs/library/semver.md), so it is committed, and test/package compares it.
 *
 *   npm run api          builds, and writes the files from the declarations in dist/
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const ROOT = resolve(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'etc', 'api');

export interface ApiReport {
  /** Of the file in etc/api. */
  readonly name: string;
  readonly text: string;
}

/** Of every entry in the exports of package.json that has types; `scratch` is a folder for files on the way. */
export function apiReports(scratch: string): ApiReport[] {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly types: string }>;
  };
  return Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === 'string') return [];
    const name = entry === '.' ? 'signalbox' : `signalbox-${entry.slice(2)}`;
    return [{ name: `${name}.api.md`, text: reportOf(name, target.types, scratch) }];
  });
}

function reportOf(name: string, types: string, scratch: string): string {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: join(ROOT, types),
      compiler: { overrideTsconfig: COMPILER },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: scratch,
        reportTempFolder: scratch,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
  });
  const { errorCount } = Extractor.invoke(config, { localBuild: true, showVerboseMessages: false });
  if (errorCount > 0) throw new Error(`${types}: the API cannot be read, see above`);
  return readFileSync(config.reportTempFilePath, 'utf8');
}

const COMPILER = {
  compilerOptions: {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    moduleResolution: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    types: ['node'],
  },
};

if (import.meta.main) {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  for (const { name } of apiReports(FOLDER)) console.log(`wrote ${join(FOLDER, name)}`);
}
