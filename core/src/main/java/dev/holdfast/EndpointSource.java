package dev.holdfast;

import java.util.List;
import java.util.concurrent.CompletionStage;

/** Where to connect to, asked at the beginning of every round: a service directory, for instance. */
@FunctionalInterface
public interface EndpointSource {
    /**
     * The endpoints in the order in which they are to be tried, one at least. Called on the callback executor, so it may block;
     * resolution and this together have {@link ReconnectOptions#resolveLimit()}. While four calls have not
     * returned it is not called again.
     *
     * @return if it is null, fails or gives none, the round has failed, and the backoff follows
     */
    CompletionStage<List<Endpoint>> endpoints();
}
