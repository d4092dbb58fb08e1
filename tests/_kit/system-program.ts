import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface SystemProgram {
  /** The environment variable that may name its path. */
  readonly variable: string;
  readonly places: readonly string[];
  /** Debian's name for it. */
  readonly package: string;
}

/** Where a program lies that is no package of npm: installed, where this process may install it. Undefined where it is not to be had. */
export function findProgram(program: SystemProgram): string | undefined {
  return found(program) ?? installed(program);
}

function found({ variable, places }: SystemProgram): string | undefined {
  return [process.env[variable], ...places].find((path) => path !== undefined && path !== '' && existsSync(path));
}

/** Debian's. Whoever comes second waits for the first, and then finds it there. */
function installed(program: SystemProgram): string | undefined {
  const isPossible = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (!isPossible) return undefined;
  const lock = ['-o', 'DPkg::Lock::Timeout=240', '-o', 'APT::Get::Lock::Timeout=240'];
  const apt = (...words: readonly string[]): void =>
    void execFileSync('apt-get', [...lock, ...words], { stdio: 'ignore', timeout: 300_000 });
  const install = (): void => apt('install', '-y', '--no-install-recommends', program.package);
  try {
    install();
  } catch {
    // A fresh machine has no lists of packages yet.
    try {
      apt('update');
      install();
    } catch {
      return found(program);
    }
  }
  return found(program);
}
