package dev.holdfast.examples.lab;

import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Clients - router - server, each in a namespace of its own, joined by veth pairs; a second router is a NAT. Every fault is an
 * entry of a port in a set of a packet filter, so that many connections share one network.
 */
final class Network {
    /** What the NAT is set up with. */
    static final Duration NAT_FORGETS_AFTER = Duration.ofSeconds(4);
    /** What a narrow link lets out. */
    static final String NARROW = "4mbit";
    /** The server's address for clients behind the router. */
    static final String SERVER = "10.77.100.2";
    /** The server's address for clients behind the NAT. */
    static final String SERVER_BEHIND_NAT = "10.77.101.2";

    private static final String OUTSIDE = "10.77.101.1";

    private static final String ROUTER_RULES = """
            table inet lab {
              set away { type inet_service; }
              set back { type inet_service; }
              set rejected { type inet_service; }
              set unreachable { type inet_service; }
              chain pass {
                type filter hook forward priority 0;
                tcp dport @away drop
                tcp sport @back drop
                tcp dport @rejected reject with tcp reset
                tcp dport @unreachable reject with icmp type host-unreachable
              }
            }
            """;
    /** A class of the queue is chosen by the packet's priority. */
    private static final String CLIENT_RULES = """
            table inet lab {
              set sink { type inet_service; }
              set clog { type inet_service; }
              chain out {
                type filter hook output priority 0;
                tcp dport @sink drop
                tcp dport @clog meta priority set 0x00010003
              }
            }
            """;
    /** Loose is off and invalid is answered by a reset, as the balancers do that answer at all. */
    private static final String NAT_RULES = """
            table ip nat {
              set fixed { type inet_service; }
              chain after {
                type nat hook postrouting priority 100;
                tcp dport @fixed snat to %1$s:57011
                ip daddr %2$s masquerade
              }
              chain pass {
                type filter hook forward priority 10;
                tcp dport @fixed tcp flags rst drop
                ct state invalid reject with tcp reset
                ct state new tcp flags & (syn|ack) != syn reject with tcp reset
              }
            }
            """.formatted(OUTSIDE, SERVER_BEHIND_NAT);

    private final Namespaces namespaces;
    private final Map<Site, String> clients = new EnumMap<>(Site.class);
    private final String router;
    private final String nat;
    private final String server;

    Network(Namespaces namespaces, Iterable<Site> sites) throws IOException {
        this.namespaces = namespaces;
        router = router("router");
        nat = router("nat");
        server = namespaces.add("server");
        join(server, SERVER, router, "10.77.100.1");
        join(server, SERVER_BEHIND_NAT, nat, OUTSIDE);
        Namespaces.run(server, "ip", "route", "add", "10.77.0.0/18", "via", "10.77.100.1");
        set(server, List.of("net.ipv4.tcp_synack_retries=1"));
        filter(router, ROUTER_RULES);
        filter(nat, ROUTER_RULES + NAT_RULES);
        forgetSoon();
        for (Site site : sites) {
            client(site);
        }
    }

    private String router(String role) throws IOException {
        String name = namespaces.add(role);
        set(name, List.of("net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0"));
        return name;
    }

    /** A veth pair between two namespaces; each interface has the other's name. */
    private static void join(String one, String oneAddress, String other, String otherAddress) throws IOException {
        String toOther = interfaceTo(other);
        String toOne = interfaceTo(one);
        Command.run(List.of("ip", "-batch", "-"), """
                link add name %1$s netns %2$s type veth peer name %4$s netns %5$s
                """.formatted(toOther, one, oneAddress, toOne, other));
        for (String[] end : new String[][] {{one, toOther, oneAddress}, {other, toOne, otherAddress}}) {
            Command.run(
                    List.of("ip", "-n", end[0], "-batch", "-"),
                    "address add %3$s/24 dev %2$s\nlink set %2$s up\n".formatted((Object[]) end));
        }
    }

    /** The kernel takes names of up to 15 characters. */
    private static String interfaceTo(String namespace) {
        String name = "to-" + namespace.replaceFirst("^holdfast-lab-\\d+-\\d+-", "");
        return name.substring(0, Math.min(15, name.length()));
    }

    private void client(Site site) throws IOException {
        String name = namespaces.add(site.text());
        clients.put(site, name);
        String subnet = "10.77." + site.number();
        join(name, subnet + ".2", site.isBehindNat() ? nat : router, subnet + ".1");
        String device = interfaceTo(site.isBehindNat() ? nat : router);
        Namespaces.run(name, "ip", "route", "add", "default", "via", subnet + ".1");
        set(name, site.sysctls());
        filter(name, CLIENT_RULES);
        queue(name, device);
    }

    /** Packets of no class pass directly; class 3 takes packets of up to 10 bytes, which are none. */
    private static void queue(String name, String device) throws IOException {
        Command.run(List.of("tc", "-n", name, "-batch", "-"), """
                qdisc add dev %1$s root handle 1: htb
                class add dev %1$s parent 1: classid 1:3 htb rate 1gbit quantum 1514
                qdisc add dev %1$s parent 1:3 bfifo limit 10
                """.formatted(device));
    }

    /** From now on what this port's connections send goes through a class of its own, of {@link #NARROW}. */
    void narrow(Site site, int port) throws IOException {
        String name = client(site, "narrow");
        String device = interfaceTo(site.isBehindNat() ? nat : router);
        String minor = Integer.toHexString(port);
        Command.run(List.of("tc", "-n", name, "-batch", "-"), """
                class add dev %1$s parent 1: classid 1:%2$s htb rate %3$s burst 4k quantum 1514
                qdisc add dev %1$s parent 1:%2$s pfifo limit 1000
                """.formatted(device, minor, NARROW));
        Namespaces.run(name, "nft", "add rule inet lab out tcp dport " + port + " meta priority set 0x0001" + minor);
    }

    private void forgetSoon() throws IOException {
        String tcp = "net.netfilter.nf_conntrack_tcp_";
        set(
                nat,
                List.of(
                        tcp + "timeout_established=" + NAT_FORGETS_AFTER.toSeconds(),
                        tcp + "loose=0",
                        tcp + "timeout_time_wait=1",
                        tcp + "timeout_close=1",
                        tcp + "timeout_last_ack=1",
                        tcp + "timeout_close_wait=1"));
    }

    /** Sets sysctls, as {@code net.ipv4.tcp_retries2=3}; the program of that name is not installed everywhere. */
    private static void set(String namespace, List<String> sysctls) throws IOException {
        String script = sysctls.stream()
                .map(each -> each.split("=", 2))
                .map(pair -> "echo " + pair[1] + " > /proc/sys/" + pair[0].replace('.', '/') + " || exit 1")
                .collect(Collectors.joining("\n"));
        Command.run(Namespaces.inside(namespace, List.of("sh", "-e")), script);
    }

    private static void filter(String namespace, String rules) throws IOException {
        Command.run(Namespaces.inside(namespace, List.of("nft", "-f", "-")), rules);
    }

    String client(Site site, String what) {
        return Objects.requireNonNull(clients.get(site), what);
    }

    String server() {
        return server;
    }

    /** The routers, through which every packet goes. */
    List<String> routers() {
        return List.of(router, nat);
    }

    static String serverAddress(Site site) {
        return site.isBehindNat() ? SERVER_BEHIND_NAT : SERVER;
    }

    void cut(Cut cut, Site site, int port) throws IOException {
        change("add", cut, site, port);
    }

    void heal(Cut cut, Site site, int port) throws IOException {
        change("delete", cut, site, port);
    }

    /** Whether the NAT maps every client of this port to one fixed port outside. */
    void fixOutsidePort(int port, boolean fixed) throws IOException {
        Namespaces.run(nat, "nft", (fixed ? "add" : "delete") + " element ip nat fixed { " + port + " }");
    }

    private void change(String verb, Cut cut, Site site, int port) throws IOException {
        String namespace = cut.isAtClient() ? client(site, cut.name()) : site.isBehindNat() ? nat : router;
        Namespaces.run(
                namespace,
                "nft",
                cut.sets().stream()
                        .map(set -> verb + " element inet lab " + set + " { " + port + " }")
                        .collect(Collectors.joining("; ")));
    }
}
