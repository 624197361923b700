import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasAudience, hasSubject } from "../../../shared/oidc/trusted-identity.ts";

const trusting = (...subjects: string[]) => ({ issuer: "https://a.example", audiences: ["a", "b"], subjects });

describe("a trusted identity", () => {
  it("has the subjects that it names, and no others", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const named = one.replaceAll("*", "");
        expect(hasSubject(trusting("x", named), other)).toBe(other === named || other === "x");
      }),
    );
  });

  it("has every subject that goes on after its pattern", () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        const identity = trusting("repo:a/b:*");
        expect(hasSubject(identity, `repo:a/b:${rest}`)).toBe(rest !== "");
        expect(hasSubject(identity, `${rest}repo:a/b:x`)).toBe(rest === "" || rest.startsWith("repo:a/b:"));
        expect(hasSubject(identity, `repo:a/b${rest}`)).toBe(rest.startsWith(":") && rest.length > 1);
      }),
    );
  });

  it("has one of the audiences that a token is for", () => {
    for (const claim of ["a", "b", ["x", "b"], ["a", "a"]]) expect(hasAudience(trusting(), claim)).toBe(true);
    for (const claim of [undefined, "", "ab", "x", [], ["x"], ["ab"]])
      expect(hasAudience(trusting(), claim)).toBe(false);
  });
});
