/** Compiles where the type of the value is `Expected`, no more and no less: `exactly<number>()(answer)`. */
export declare function exactly<Expected>(): <Actual>(value: Actual, ...wrong: Same<Actual, Expected> extends true ? [] : [never]) => void;

type Same<One, Other> = (<Value>() => Value extends One ? 1 : 2) extends <Value>() => Value extends Other ? 1 : 2 ? true : false;

/** A value of a type, for what only the compiler looks at. */
export declare function some<Type>(): Type;
