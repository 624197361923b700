import { ResponseType, type RestApi } from "aws-cdk-lib/aws-apigateway";

interface Answer {
  /** undefined: API Gateway's own. */
  readonly status?: number;
  /** Confluent's code. */
  readonly errorCode: number;
  readonly hint: string;
  readonly kafkaError?: string;
  readonly retryAfter?: boolean;
}

const BODY_LIMIT = "a body may have 4 MiB: send fewer records at a time";
const SHOW_WHO = "show who you are: docs/aws.md has how, for each way in";

/**
 * What API Gateway answers by itself, in the form of every other error of Millrace. Its own texts know neither codes nor
 * hints. https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
 */
const ANSWERS: readonly (readonly [ResponseType, Answer])[] = [
  [ResponseType.UNAUTHORIZED, { status: 401, errorCode: 40101, hint: SHOW_WHO }],
  [ResponseType.MISSING_AUTHENTICATION_TOKEN, { status: 403, errorCode: 40301, hint: SHOW_WHO }],
  [
    ResponseType.INVALID_API_KEY,
    { status: 403, errorCode: 40301, hint: "send a key of the deployment in the header x-api-key" },
  ],
  [
    ResponseType.ACCESS_DENIED,
    { status: 403, errorCode: 40301, hint: "the caller is known, and not allowed to do this" },
  ],
  [
    ResponseType.EXPIRED_TOKEN,
    { status: 403, errorCode: 40301, hint: "the credentials or the signature have expired" },
  ],
  [
    ResponseType.INVALID_SIGNATURE,
    { status: 403, errorCode: 40301, hint: "sign the request for the service execute-api" },
  ],
  [
    ResponseType.AUTHORIZER_FAILURE,
    { status: 503, errorCode: 50003, hint: "the issuer's keys cannot be read just now: try again", retryAfter: true },
  ],
  [
    ResponseType.AUTHORIZER_CONFIGURATION_ERROR,
    { status: 500, errorCode: 50001, hint: "the authorizer's answer is not understood" },
  ],
  [ResponseType.REQUEST_TOO_LARGE, { status: 413, errorCode: 413, hint: BODY_LIMIT, kafkaError: "MESSAGE_TOO_LARGE" }],
  [
    ResponseType.THROTTLED,
    {
      status: 429,
      errorCode: 42900,
      hint: "more requests than the throttle allows: try again after Retry-After seconds",
      kafkaError: "THROTTLING_QUOTA_EXCEEDED",
      retryAfter: true,
    },
  ],
  [
    ResponseType.QUOTA_EXCEEDED,
    {
      status: 429,
      errorCode: 42900,
      hint: "the key's requests of this month are used up",
      kafkaError: "THROTTLING_QUOTA_EXCEEDED",
    },
  ],
  [
    ResponseType.INTEGRATION_TIMEOUT,
    {
      status: 504,
      errorCode: 50003,
      hint: "it was not done in time; a produce may be in the log all the same",
      kafkaError: "REQUEST_TIMED_OUT",
    },
  ],
  [
    // A function that crashed, and one that Lambda had no room to start.
    ResponseType.INTEGRATION_FAILURE,
    {
      status: 503,
      errorCode: 50003,
      hint: "the function failed or could not be started: try again; a produce may be in the log all the same",
      retryAfter: true,
    },
  ],
  [ResponseType.DEFAULT_4XX, { errorCode: 400, hint: `API Gateway refused it; ${BODY_LIMIT}` }],
  [ResponseType.DEFAULT_5XX, { errorCode: 50002, hint: "API Gateway or the function failed: try again" }],
];

/** Puts the answers into an API. */
export function addGatewayResponses(api: RestApi): void {
  for (const [type, answer] of ANSWERS) {
    api.addGatewayResponse(type.responseType, {
      type,
      ...(answer.status === undefined ? {} : { statusCode: String(answer.status) }),
      ...(answer.retryAfter ? { responseHeaders: { "Retry-After": "'1'" } } : {}),
      templates: { "application/json": template(answer) },
    });
  }
}

/** API Gateway puts its own text, quoted, in place of the variable. */
function template({ errorCode, hint, kafkaError }: Answer): string {
  const rest = { hint, ...(kafkaError === undefined ? {} : { kafka_error: kafkaError }) };
  return `{"error_code":${errorCode},"message":$context.error.messageString,${JSON.stringify(rest).slice(1)}`;
}
