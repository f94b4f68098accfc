package dev.holdfast;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * What those wait for who want a connection: one for all of them, so that whoever gives up leaves nothing behind.
 *
 * @param stage what a user is given to depend on
 */
record UpStage(CompletableFuture<Connection> future, CompletionStage<Connection> stage) {
    UpStage() {
        this(new CompletableFuture<>());
    }

    private UpStage(CompletableFuture<Connection> future) {
        this(future, future.minimalCompletionStage());
    }
}
