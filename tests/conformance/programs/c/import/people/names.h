#define FIRST "Ada"
