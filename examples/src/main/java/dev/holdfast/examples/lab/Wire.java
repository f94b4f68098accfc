package dev.holdfast.examples.lab;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

/** What the lab tells an agent and what an agent tells the lab: JSON objects, one a line. */
final class Wire {
    private static final Gson JSON = new Gson();

    private Wire() {}

    static String line(JsonObject object) {
        return JSON.toJson(object);
    }

    static JsonObject read(String line) {
        return JSON.fromJson(line, JsonObject.class);
    }

    /** Names and values in turn. */
    static JsonObject object(Object... namesAndValues) {
        JsonObject object = new JsonObject();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            object.add((String) namesAndValues[i], JSON.toJsonTree(namesAndValues[i + 1]));
        }
        return object;
    }

    static String text(JsonObject object, String name) {
        return object.has(name) ? object.get(name).getAsString() : "";
    }

    static long number(JsonObject object, String name) {
        return object.get(name).getAsLong();
    }
}
