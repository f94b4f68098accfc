package dev.holdfast;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** Endpoints that are always the same. */
record FixedEndpoints(List<Endpoint> list) implements EndpointSource {
    @Override
    public CompletionStage<List<Endpoint>> endpoints() {
        return CompletableFuture.completedFuture(list);
    }
}
