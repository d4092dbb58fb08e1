/** As much of winston as the page speaks of: it takes the text before the fields. */
export interface Winston {
  readonly lines: string[];
  log(level: string, message: string, fields: object): void;
}

export function winston(): Winston {
  const lines: string[] = [];
  return { lines, log: (level, message, fields) => void lines.push(`${level}: ${message} ${JSON.stringify(fields)}`) };
}
