export interface Person { name: string }
export const greet = (p: Person) => `hi ${p.name}`;
export type * from "./thing";
