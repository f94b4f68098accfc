package consumer;

import dev.holdfast.socket.Transport;

/** Says which transport an application gets that asks for none. Compiled and run by ConsumerIT. */
public final class ConsumerService {
    private ConsumerService() {}

    public static void main(String[] args) {
        System.out.println("transport=" + Transport.preferred().name());
    }
}
