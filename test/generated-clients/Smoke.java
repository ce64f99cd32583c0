import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.CancelJobsApi;
import org.openapitools.client.api.CancelJobsApi.APIStartCancelJobRequest;
import org.openapitools.client.api.PaymentRequestsApi;
import org.openapitools.client.api.PaymentRequestsApi.APICancelPaymentRequestRequest;
import org.openapitools.client.api.PaymentRequestsApi.APIGetPaymentRequestRequest;
import org.openapitools.client.api.PaymentRequestsApi.APIListPaymentRequestsRequest;
import org.openapitools.client.api.PaymentRequestsApi.APIMovePaymentRequestDeadlineRequest;
import org.openapitools.client.api.PaymentRequestsApi.APIRegisterPaymentRequestRequest;
import org.openapitools.client.api.SessionsApi;
import org.openapitools.client.api.SessionsApi.APIGetSessionRequest;
import org.openapitools.client.model.CancelJobRequest;
import org.openapitools.client.model.Extension;
import org.openapitools.client.model.Registration;

/** Calls a local system with the generated Java client. Prints what each call returned, as one JSON object. */
public class Smoke {
  interface Call {
    Object run() throws ApiException;
  }

  /** The status and the type of the problem that a call is refused with. */
  static List<Object> problemOf(Call call) throws Exception {
    try {
      call.run();
      return null;
    } catch (ApiException refused) {
      var problem = new ObjectMapper().readTree(refused.getResponseBody());
      return List.of(refused.getCode(), problem.get("type").asText());
    }
  }

  public static void main(String[] given) throws Exception {
    String requestId = given[1], sessionId = given[2], unknownId = given[3], jobId = given[4];
    var client = new ApiClient();
    client.updateBaseUri(given[0]);
    var requests = new PaymentRequestsApi(client);
    var sessions = new SessionsApi(client);
    var jobs = new CancelJobsApi(client);

    var registration = new Registration().sessionTimeout("PT20M").sessionId(sessionId);
    Map<String, Object> results = new LinkedHashMap<>();
    var register =
        APIRegisterPaymentRequestRequest.newBuilder()
            .account("demo")
            .paymentRequestId(requestId)
            .registration(registration)
            .build();
    results.put("registered", requests.registerPaymentRequest(register).getSessionId());
    var extension = new Extension().sessionTimeout("PT30M");
    var move = APIMovePaymentRequestDeadlineRequest.newBuilder().account("demo").paymentRequestId(requestId);
    var moved = requests.movePaymentRequestDeadline(move.extension(extension).build());
    results.put("extended", moved.getExtensions());
    var refresh = APIGetPaymentRequestRequest.newBuilder().account("demo").paymentRequestId(requestId).refresh(true);
    var refreshed = requests.getPaymentRequest(refresh.build());
    results.put("refreshed", List.of(refreshed.getState(), refreshed.getRefresh()));
    var open = APIListPaymentRequestsRequest.newBuilder().account("demo").open(true);
    var listed = requests.listPaymentRequests(open.build());
    results.put("listed", listed.getPaymentRequests().stream().map(each -> each.getPaymentRequestId()).toList());
    var session = APIGetSessionRequest.newBuilder().account("demo").sessionId(sessionId).build();
    results.put("session", sessions.getSession(session).getStatus());
    var cancel = APICancelPaymentRequestRequest.newBuilder().account("demo").paymentRequestId(requestId);
    var dryRun = requests.cancelPaymentRequest(cancel.dryRun(true).build());
    results.put("dry_run", dryRun.getOutcome());
    var canceled = requests.cancelPaymentRequest(cancel.dryRun(null).reason("basket emptied").build());
    results.put(
        "canceled",
        List.of(canceled.getOutcome(), canceled.getState(), canceled.getCancellation().getReason()));
    var history = requests.getPaymentRequestHistory("demo", requestId);
    results.put("history", history.getEntries().stream().map(each -> each.getKind()).toList());
    var start = APIStartCancelJobRequest.newBuilder().account("demo").jobId(jobId);
    var job = jobs.startCancelJob(start.cancelJobRequest(new CancelJobRequest().sessionId(sessionId)).build());
    results.put("job", List.of(job.getStatus(), job.getDryRun()));
    results.put("jobs", jobs.listCancelJobs("demo").getCancelJobs().stream().map(each -> each.getJobId()).toList());
    results.put("late", problemOf(() -> requests.registerPaymentRequest(register)));
    results.put("unknown", problemOf(() -> requests.getPaymentRequestHistory("demo", unknownId)));
    System.out.println(new ObjectMapper().writeValueAsString(results));
  }
}
