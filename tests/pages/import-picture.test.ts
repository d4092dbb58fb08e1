import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { arrowsOf, circleIn, drawImports, picture, readArrows } from '../../scripts/write-import-picture.ts';
import { source } from '../_kit/source-rules.ts';

const arrows = readArrows();

test('the picture of the imports is what scripts/write-import-picture.ts draws of src/ as it is', () => {
  expect(readFileSync(picture, 'utf8')).toBe(drawImports(arrows));
});

test('no folder of src/ imports, by whatever way, one that imports it, unless at its first use', () => {
  expect(arrows.length).toBeGreaterThan(20);
  expect(circleIn(arrows)).toBeUndefined();
});

/** Arrows of files that hold nothing but these imports. */
const arrowsIn = (files: Readonly<Record<string, string>>) => arrowsOf(Object.entries(files).map(([path, text]) => source(path, text)));

describe('an arrow', () => {
  test('stands for what is loaded where any file loads it, and for types where none does', () => {
    const files = {
      'config/a.ts': "import type { B } from '../core/b.ts'",
      'config/c.ts': "import { b } from '../core/b.ts'",
      'config/d.ts': "import type { B } from '../core/b.ts'; import type { E } from '../state/e.ts'; import './c.ts'; import 'zod'",
    };
    expect(arrowsIn(files)).toEqual([
      { from: 'config', to: 'core', kind: 'values' },
      { from: 'config', to: 'state', kind: 'types' },
    ]);
  });

  test('of its own stands for what is loaded at its first use', () => {
    expect(arrowsIn({ 'index.ts': "import type { A } from './lib/a.ts'; await import('./lib/a.ts')" })).toEqual([
      { from: 'index.ts', to: 'lib', kind: 'types' },
      { from: 'index.ts', to: 'lib', kind: 'late' },
    ]);
  });

  test('that a longer way tells already is words in a box', () => {
    const drawn = drawImports(
      arrowsIn({ 'router/a.ts': "import '../lib/b.ts'; import '../core/c.ts'", 'lib/b.ts': "import '../core/c.ts'" }),
    );
    expect(drawn).toContain('>also core<');
    expect(drawn.match(/class="line" d="M\d+ \d+C/g)).toHaveLength(2);
  });

  test('that would point upwards is not drawn', () => {
    expect(() => drawImports(arrowsIn({ 'core/a.ts': "import type { B } from '../lib/b.ts'" }))).toThrow(
      'core imports lib, which stands no lower',
    );
  });

  test('needs a place at both of its ends', () => {
    expect(() => drawImports(arrowsIn({ 'engine/a.ts': "import '../core/b.ts'" }))).toThrow('engine has no place');
  });
});

describe('a circle', () => {
  test('is told as the way that leads back', () => {
    const files = {
      'index.ts': "import './router/a.ts'",
      'router/a.ts': "import '../lib/b.ts'",
      'lib/b.ts': "import '../core/d.ts'; import '../cache/c.ts'",
      'cache/c.ts': "import type { A } from '../router/a.ts'",
    };
    expect(circleIn(arrowsIn(files))).toEqual(['router', 'lib', 'cache', 'router']);
    expect(() => drawImports(arrowsIn(files))).toThrow('There is a circle: router imports lib imports cache imports router.');
  });

  test('is none where the way back is taken at its first use', () => {
    expect(circleIn(arrowsIn({ 'http/a.ts': "import '../router/b.ts'", 'router/b.ts': "await import('../http/a.ts')" }))).toBeUndefined();
  });
});
