// Java's HttpClient: chat completions, streamed and not. It offers HTTP/2, as it does by default.

// snippet
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Capital {
    static final String ASKED = """
        {"model": "gpt-4o-mini", "stream": %s, "messages": [{"role": "user", "content": "What is the capital of France?"}]}
        """;

    static String ask(boolean stream) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("OPENAI_BASE_URL") + "/chat/completions"))
            .header("content-type", "application/json")
            .header("authorization", "Bearer " + System.getenv("OPENAI_API_KEY"))
            .POST(HttpRequest.BodyPublishers.ofString(ASKED.formatted(stream)))
            .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println(ask(arguments.length > 0));
    }
}
// end
