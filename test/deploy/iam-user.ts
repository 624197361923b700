import { elements, iam } from "./control-plane.ts";
import type { Credentials } from "./request.ts";

/** A user of the account, with an access key. */
export interface IamUser {
  readonly credentials: Credentials;
  remove(): Promise<void>;
}

/** `mayInvoke`: the ARN of what its policy allows execute-api:Invoke on; none, and it may do nothing. */
export async function newIamUser(UserName: string, mayInvoke?: string): Promise<IamUser> {
  await iam("CreateUser", { UserName });
  const policy = { UserName, PolicyName: "invoke" };
  if (mayInvoke !== undefined) {
    const statement = { Effect: "Allow", Action: "execute-api:Invoke", Resource: mayInvoke };
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await iam("PutUserPolicy", { ...policy, PolicyDocument });
  }
  const made = await iam("CreateAccessKey", { UserName });
  const [AccessKeyId, secretAccessKey] = [elements(made, "AccessKeyId")[0]!, elements(made, "SecretAccessKey")[0]!];
  return {
    credentials: { accessKeyId: AccessKeyId, secretAccessKey },
    remove: async () => {
      await iam("DeleteAccessKey", { UserName, AccessKeyId });
      if (mayInvoke !== undefined) await iam("DeleteUserPolicy", policy);
      await iam("DeleteUser", { UserName });
    },
  };
}
