# SPDX-License-Identifier: MIT OR LGPL-2.1
rpcgen -M -h -o census.h census.x
rpcgen -M -c -o census_xdr.c census.x
rpcgen -M -l -o census_clnt.c census.x
rpcgen -M -m -o census_svc.c census.x
cc -o census_server census_server.c census_svc.c census_xdr.c $(pkg-config --cflags --libs libmbox-rpc)
cc -o census census.c census_clnt.c census_xdr.c $(pkg-config --cflags --libs libmbox-rpc)
./census_server /census &
./census mbox /census <census.x
