import { greet } from "./greeting";
import { first } from "./people/names";

console.log(greet(first));
