/** Something that keeps the service from starting, told in one line. */
export class StartupError extends Error {}
