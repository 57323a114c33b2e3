import { twice } from "@lib/math";
for (const n of new Set([1, 2])) console.log(twice(n));
