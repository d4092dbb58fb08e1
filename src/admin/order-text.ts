// The order of an intent as one line: `gpu, box-1 = box-2, cpu`. Names joined by `=` stand equal. Pure.

export type Order = readonly (string | readonly string[])[];

export function orderToText(order: Order): string {
  return order.map((each) => (typeof each === 'string' ? each : each.join(' = '))).join(', ');
}

/** Whether the names are any the router knows is up to the router. */
export function orderFromText(text: string): Order {
  return text
    .split(',')
    .map((part) =>
      part
        .split('=')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    )
    .flatMap((names) => (names.length === 0 ? [] : [names.length === 1 ? (names[0] as string) : names]));
}
