/** A member of a line, which is made with nobody beside it. Only the line changes this. */
export interface InLine<Member> {
  older: Member | undefined;
  newer: Member | undefined;
}

export interface Line<Member> {
  first(): Member | undefined;
  join(last: Member): void;
  leave(member: Member): void;
}

/** A list in which a member is moved in the same time however long it is; a `Map` gets slow where its first keys are deleted. */
export function createLine<Member extends InLine<Member>>(): Line<Member> {
  let oldest: Member | undefined;
  let newest: Member | undefined;
  return {
    first: () => oldest,
    join(last) {
      last.older = newest;
      last.newer = undefined;
      if (newest === undefined) oldest = last;
      else newest.newer = last;
      newest = last;
    },
    leave({ older, newer }) {
      if (older === undefined) oldest = newer;
      else older.newer = newer;
      if (newer === undefined) newest = older;
      else newer.older = older;
    },
  };
}
