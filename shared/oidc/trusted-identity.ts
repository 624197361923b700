/** Tokens that are trusted: of this issuer, for one of the audiences, about one of the subjects. */
export interface TrustedIdentity {
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** Whole subjects, or what they begin with and a `*`. */
  readonly subjects: readonly string[];
  /** Where the issuer's keys are; unless set, OpenID Connect Discovery tells. */
  readonly jwksUri?: string | undefined;
}

export function hasSubject({ subjects }: TrustedIdentity, subject: string): boolean {
  return subjects.some((trusted) =>
    // What stands before the * alone is not enough: something must follow, as the pattern says.
    trusted.endsWith("*")
      ? subject.length >= trusted.length && subject.startsWith(trusted.slice(0, -1))
      : subject === trusted,
  );
}

export function hasAudience({ audiences }: TrustedIdentity, claim: string | readonly string[] | undefined): boolean {
  const given = typeof claim === "string" ? [claim] : (claim ?? []);
  return audiences.some((audience) => given.includes(audience));
}
