/** The configuration file that TLC reads, for one case. */
import type { Case } from './cases.ts';

export function configurationOf({ world, aim, invariants, properties, fair, view }: Case): string {
  const { Topic, ...constants } = world;
  const lines = [
    ...(fair ? ['SPECIFICATION FairSpec'] : ['SPECIFICATION Spec', 'SYMMETRY Perms']),
    'CONSTANTS',
    '  Workers = {w1, w2}',
    `  Topic <- ${Topic}`,
    // A configuration cannot hold a tuple: the aim is named in the module, see `rootModule`.
    `  Aim <- ${aim === null ? 'NoAim' : 'ThisAim'}`,
    ...Object.entries(constants).map(([name, value]) => `  ${name} = ${literal(value)}`),
    ...(view ? ['VIEW View'] : []),
    `INVARIANTS ${invariants.join(' ')}`,
    `PROPERTIES ${properties.join(' ')}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** The root module of a case: Signalbox with the aim that the case names. */
export function rootModule({ aim }: Case): string {
  const { from, event, to } = aim ?? { from: 'none', event: 'none', to: 'none' };
  return [
    '---- MODULE Case ----',
    'EXTENDS Signalbox',
    `ThisAim == <<"${from}", "${event}", "${to}">>`,
    '====',
    '',
  ].join('\n');
}

function literal(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  return typeof value === 'number' ? String(value) : `"${value}"`;
}
